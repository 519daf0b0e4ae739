"""Pascal3D+ as a set of posed pictures with masks."""
