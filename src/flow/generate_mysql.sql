-- The seeds' three tables, as `pinline generate --to mysql://...` makes them.
CREATE TABLE pinterest_data (
    `index`           int,
    unique_id         text,
    title             text,
    description       text,
    poster_name       text,
    follower_count    text,
    tag_list          text,
    is_image_or_video text,
    image_src         text,
    downloaded        int,
    save_location     text,
    category          text
) CHARACTER SET utf8mb4;
CREATE TABLE geolocation_data (
    ind         int,
    `timestamp` datetime,
    latitude    double,
    longitude   double,
    country     text
) CHARACTER SET utf8mb4;
CREATE TABLE user_data (
    ind         int,
    first_name  text,
    last_name   text,
    age         int,
    date_joined datetime
) CHARACTER SET utf8mb4;
