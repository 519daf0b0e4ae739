"""Cameras and meshes: fitted, solved from points, drawn, turned, written."""
