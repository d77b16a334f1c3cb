"""What a face's expression may mean for safety."""
