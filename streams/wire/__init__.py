"""What the records on the topics look like: CloudEvents in Kafka's binary mode, JSON values. One file per kind of record.

Pydantic lives here. Nothing here sends, receives or decides.
"""
