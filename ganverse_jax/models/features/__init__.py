"""Networks of features in which pictures are compared: Inception-v3, LPIPS, L_percept's."""
