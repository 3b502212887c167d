"""Validates a crate with the RO-Crate validator of CRS4 (Python package roc-validator), without a network.

read-crate.py FOLDER TERMS.jsonld: prints each issue as `SEVERITY check: message`, exits 1 where a requirement is not
met. TERMS stands for the RO-Crate 1.1 context, which is not in that package.
"""

import json
import sys

from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils import document_loader
from rocrate_validator.utils.http import HttpRequester

folder, terms = sys.argv[1:3]
with open(terms) as file:
    CONTEXTS = {"https://w3id.org/ro/crate/1.1/context": json.load(file)}


class Answer:
    """What a server of contexts would answer."""

    status_code = 200
    headers = {"Content-Type": "application/ld+json"}

    def __init__(self, url):
        self.url = url
        self.text = json.dumps(CONTEXTS[url])

    def json(self):
        return json.loads(self.text)


document_loader._fetch_json_ld = lambda url: CONTEXTS[url]
HttpRequester.get = lambda self, url, **_: Answer(url)
HttpRequester.head = lambda self, url, **_: Answer(url)

result = services.validate(
    ValidationSettings(
        rocrate_uri=folder,
        profile_identifier="provenance-run-crate-0.5",
        requirement_severity=Severity.RECOMMENDED,
        offline=True,
        skip_availability_check=True,
    )
)
for issue in sorted({f"{i.severity.name} {i.check.identifier}: {i.message}" for i in result.get_issues()}):
    print(issue)
sys.exit(0 if result.passed(Severity.REQUIRED) else 1)
