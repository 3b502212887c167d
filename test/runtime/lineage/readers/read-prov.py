"""Reads PROV-JSONLD with the Python package prov, and prints how many records of each kind it found, as JSON."""

import collections
import json
import sys

from prov.model import ProvDocument

document = ProvDocument.deserialize(sys.argv[1], format="jsonld")
again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
assert document == again, "another document after a round trip through PROV-JSON"
print(json.dumps(collections.Counter(type(record).__name__ for record in document.get_records())))
