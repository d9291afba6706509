"""The same data set has the same colour everywhere."""

from tuner.charts import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

DATASET_COLORS = {
    "fashion-mnist": VERMILION,
    "mnist": BLUE,
    "usps": GREEN,
    "digits": PURPLE,
    "spiral": ORANGE,
    "circle": SKY,
    "xor": YELLOW,
}
