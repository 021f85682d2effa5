"""The main job on one machine: four versions of a model, pushed, approved, judged and reversed."""
