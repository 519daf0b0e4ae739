"""The annotator of views: in a browser a person gives each view one of 12 azimuth bins, or clicks the
named points of one object in every view.

session: undo, redo, time (pure); candidates, view_records, tiles: the proposed views of a run; answers: files
of answers; icons: reference drawings; page, server: the local page; contact_sheet: the same as a picture, for
machines without a browser. In bins/ and keypoints/, of each kind of question: session, store (its file of
answers) and page; places: where the points lie on the drawings.
"""
