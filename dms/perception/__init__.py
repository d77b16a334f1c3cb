"""From a picture to what is seen of the driver in it."""
