"""What all tests share: the switches of CI, and the skips by name."""

pytest_plugins = [
    "tests.fixtures.greenlet_coverage",  # first: what is measured before it is measured less well
    "tests.fixtures.background",
    "tests.fixtures.capabilities",
    "tests.fixtures.collector",
    "tests.fixtures.databases",
    "tests.fixtures.mariadb_server",
    "tests.fixtures.order",
    "tests.fixtures.patient_examples",
    "tests.fixtures.plain_logs",
    "tests.fixtures.quick_folders",
    "tests.fixtures.mongodb_server",
    "tests.fixtures.shop",
]
