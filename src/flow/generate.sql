-- The seeds' three tables, as `pinline generate --to sqlite://FILE` makes them.
DROP TABLE IF EXISTS pinterest_data;
CREATE TABLE pinterest_data (
    "index"           INTEGER,
    unique_id         TEXT,
    title             TEXT,
    description       TEXT,
    poster_name       TEXT,
    follower_count    TEXT,
    tag_list          TEXT,
    is_image_or_video TEXT,
    image_src         TEXT,
    downloaded        INTEGER,
    save_location     TEXT,
    category          TEXT
);
DROP TABLE IF EXISTS geolocation_data;
CREATE TABLE geolocation_data (
    ind       INTEGER,
    timestamp DATETIME,
    latitude  DOUBLE,
    longitude DOUBLE,
    country   TEXT
);
DROP TABLE IF EXISTS user_data;
CREATE TABLE user_data (
    ind         INTEGER,
    first_name  TEXT,
    last_name   TEXT,
    age         INTEGER,
    date_joined DATETIME
);
