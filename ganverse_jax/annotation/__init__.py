"""The annotator of views: a person gives each candidate view one of 12 azimuth bins, in a browser.

session: answers, undo, time (pure); store: files of a run; solids, icons: reference drawings; page, server:
the local page; contact_sheet: the same as a picture, for machines without a browser.
"""
