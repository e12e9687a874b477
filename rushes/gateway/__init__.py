"""Station 2: the door. Files are named with the words the clients use."""
