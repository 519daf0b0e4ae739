"""Of what the toy worlds of all classes are made: cameras, light, backgrounds, closed parts, drawing."""
