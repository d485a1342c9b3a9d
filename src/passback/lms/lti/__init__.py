"""LMSs that offer LTI 1.3 Advantage: grades by AGS 2.0, and people by NRPS 2.0."""

from __future__ import annotations

from passback.lms.interface import ConnectorKind, Setting
from passback.lms.lti.connector import CAPABILITIES, LtiConnector
from passback.lms.lti.families import FAMILIES

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "where the LMS's services for LTI are, such as https://moodle.example/",
                    keeps_path=True),
    settings=(
        Setting("family", "what the LMS is", pattern="|".join(FAMILIES)),
        Setting("issuer", "who the LMS says it is; unset: its address", optional=True),
        Setting("client_id", "what the LMS calls us"),
        Setting("deployment_ids", "the deployments, separated by commas", optional=True),
        Setting("token_url", "where tokens are issued; may be below the address"),
        Setting("service_hosts", "more hosts on which its services are, separated by commas", optional=True),
        Setting("token_audience", "for whom tokens are asked, if not for token_url", optional=True),
        Setting("auth_login_url", "where launches are authorized", optional=True),
        Setting("jwks_url", "where the LMS's public keys are", optional=True),
        Setting("teacher_edits", "overwrite: our grades replace a teacher's later ones", default="keep",
                pattern="keep|overwrite"),
        Setting("private_key", "an RSA key of this connection's own (JWK); unset: the gateway's", secret=True,
                optional=True),
    ),
    open=LtiConnector,
)  # fmt: skip
