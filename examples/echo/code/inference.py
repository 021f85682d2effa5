"""A model that answers what it was asked, for trying things out."""

import json


def model_fn(model_dir):
    """There are no weights to load."""
    return


def input_fn(body, content_type):
    """JSON in."""
    if content_type != "application/json":
        raise ValueError(f"send application/json, not {content_type}")
    return json.loads(body)


def predict_fn(data, model):
    """Echo."""
    return {"echo": data}


def output_fn(prediction, accept):
    """JSON out."""
    return json.dumps(prediction), "application/json"
