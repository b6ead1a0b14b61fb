"""The posting application of the exercise: FastAPI takes a pin, kafka-python
sends it on.  TOPIC and BOOTSTRAP come from the environment.

POST /pin/        answers at once, as the exercise does
POST /pin/acked/  answers when every replica has the record
"""
import json
import os

import fastapi
import kafka
import pydantic

app = fastapi.FastAPI()
topic = os.environ["TOPIC"]
pin_producer = kafka.KafkaProducer(
    bootstrap_servers=os.environ["BOOTSTRAP"], acks="all",
    value_serializer=lambda message: json.dumps(message).encode("ascii"))


class Pin(pydantic.BaseModel):
    category: str
    index: int
    unique_id: str
    title: str
    description: str
    follower_count: str
    tag_list: str
    is_image_or_video: str
    image_src: str
    downloaded: int
    save_location: str


@app.post("/pin/")
def post_pin(item: Pin):
    pin_producer.send(topic, dict(item))
    return item


@app.post("/pin/acked/")
def post_pin_acked(item: Pin):
    pin_producer.send(topic, dict(item)).get(timeout=30)
    return item
