"""What the training, quantising and evaluating tools share; nothing here runs in a vehicle."""
