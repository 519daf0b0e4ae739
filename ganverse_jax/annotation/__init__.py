"""The annotator of views: in a browser a person gives each view one of 12 azimuth bins, or clicks the
named points of one object in every view.

session: answers, undo, time (pure); store, tiles, view_records: files of a run; solids, icons: reference
drawings; page, server: the local page; contact_sheet: the same as a picture, for machines without a browser.
keypoint_names, keypoint_places: what is clicked and where it lies on the drawings; keypoint_session,
keypoint_store, keypoint_page: as above, for points.
"""
