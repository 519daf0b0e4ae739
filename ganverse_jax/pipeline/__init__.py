"""What a stage is and how a run resumes: typed settings, digests and markers; knows no stage by name."""
