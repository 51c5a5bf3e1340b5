"""What the stories used last, written down so that the lists need not wait for the stories. A test holds both together."""

from __future__ import annotations

from .clock import Clock
from .ids import long_term_key
from .recent import Recent, Use

# kind, role or user, key slot, day, second, region, service
TOUCHED: tuple[tuple[str, str, int, int, int, str, str], ...] = (
    ("role", "AWSReservedSSO_DataEngineer_72d85e0b1f9c3a46", 0, 12, 70510, "us-east-1", "sts"),
    ("role", "AWSReservedSSO_PlatformAdmin_1b7e94d3c02f8a56", 0, 8, 36108, "us-east-1", "sts"),
    ("role", "ci-terraform", 0, 1, 51011, "us-east-1", "iam"),
    ("role", "customer-exports-reader", 0, 6, 10964, "eu-west-1", "s3"),
    ("role", "data-admin", 0, 12, 71921, "us-east-1", "iam"),
    ("role", "iam-admin", 0, 8, 39520, "us-east-1", "iam"),
    ("role", "prod-operator", 0, 3, 60543, "eu-west-1", "ec2"),
    ("role", "test-migration", 0, 6, 12358, "eu-central-1", "guardduty"),
    ("key", "p.novak", 0, 3, 59882, "us-east-1", "sts"),
    ("key", "svc-monitoring", 0, 6, 12672, "us-east-1", "iam"),
    ("key", "ci-runner", 0, 6, 8672, "us-east-1", "iam"),
    ("key", "t.dubois", 0, 17, 41402, "us-east-1", "iam"),
    ("password", "<root_account>", 0, 23, 76448, "", ""),
    ("password", "a.fischer", 0, 6, 33820, "", ""),
    ("password", "b.jones", 0, 31, 36380, "", ""),
    ("password", "c.moreau", 0, 83, 33820, "", ""),
    ("password", "e.larsson", 0, 71, 33820, "", ""),
    ("password", "f.weber", 0, 66, 33820, "", ""),
    ("password", "i.santos", 0, 58, 33820, "", ""),
    ("password", "j.tanaka", 0, 52, 33820, "", ""),
    ("password", "k.meyer", 0, 44, 33820, "", ""),
    ("password", "l.nguyen", 0, 15, 34304, "", ""),
    ("password", "m.okafor", 0, 33, 33820, "", ""),
    ("password", "n.haddad", 0, 77, 33820, "", ""),
    ("password", "ops-admin", 0, 15, 33672, "", ""),
    ("password", "p.novak", 0, 88, 33820, "", ""),
    ("password", "s.rossi", 0, 29, 33820, "", ""),
    ("password", "svc-monitoring", 0, 5, 11442, "", ""),
    ("password", "t.dubois", 0, 40, 33820, "", ""),
    ("password", "y.kim", 0, 81, 33820, "", ""),
)


def touch(recent: Recent, clock: Clock, seed: int) -> Recent:
    """Adds what the stories used; the later use wins."""
    for kind, name, slot, day, second, region, service in TOUCHED:
        use = Use(clock.at(day, second), region, service)
        if kind == "role":
            recent.role(name, use)
        elif kind == "key":
            recent.key(long_term_key(seed, name, slot), use)
        else:
            recent.password(name, use)
    return recent
