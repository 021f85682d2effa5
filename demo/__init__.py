"""The main job on one machine: a model and an assistant, pushed, approved, judged, reversed."""
