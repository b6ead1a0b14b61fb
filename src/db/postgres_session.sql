-- postgres_session.sql - what every session of ours is told at its start.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET extra_float_digits = 1;
SET standard_conforming_strings = on;
SET client_min_messages = warning;
-- a client that vanished without a word (a cut network, a machine that went
-- down) is noticed within 25 s, so that the locks of what is left of its session
-- do not stop its successor; the last setting not before version 12
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SELECT set_config(name, '20000', false)
FROM pg_catalog.pg_settings
WHERE name = 'tcp_user_timeout';
