"""Parts of tools/train/landmarks.py: the teacher, its labels, the pictures and the nets."""
