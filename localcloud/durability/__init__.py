"""What a restart brings back: every acknowledged change, from a journal beside the server.

The engines keep their state in dictionaries. `stores` names them, `keeper` writes what changed in
them to the `journal` before a reply is sent, and `resumption` sets going again what was under way.
"""
