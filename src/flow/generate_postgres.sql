-- The seeds' three tables, as `pinline generate --to postgres://...` makes them.
CREATE TABLE pinterest_data (
    index             integer,
    unique_id         text,
    title             text,
    description       text,
    poster_name       text,
    follower_count    text,
    tag_list          text,
    is_image_or_video text,
    image_src         text,
    downloaded        integer,
    save_location     text,
    category          text
);
CREATE TABLE geolocation_data (
    ind       integer,
    timestamp timestamp,
    latitude  double precision,
    longitude double precision,
    country   text
);
CREATE TABLE user_data (
    ind         integer,
    first_name  text,
    last_name   text,
    age         integer,
    date_joined timestamp
);
