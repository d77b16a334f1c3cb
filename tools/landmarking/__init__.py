"""Parts of tools/train_landmarks.py: the teacher, its labels, the pictures and the nets."""
