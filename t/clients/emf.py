# SPDX-License-Identifier: BSD-2-Clause
"""Read lines of the embedded metric format of CloudWatch by the rules of its
specification, and print what CloudWatch would make of them.

    emf.py FILE

    {NAMESPACE: {DIMENSIONS, as Name=Value,...: {METRIC: [UNIT, VALUES]}}}
"""

import json
import sys
import time

DAY = 24 * 3600 * 1000
UNITS = """Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes
Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits Percent Count
Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second
Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second
Terabits/Second Count/Second None""".split()


def once(pairs):
    """An object in which no name stands twice."""
    members = dict(pairs)
    assert len(members) == len(pairs), "a member twice"
    return members


def is_text(value, longest):
    return isinstance(value, str) and 1 <= len(value) <= longest


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read(line, data):
    assert len(line.encode()) <= 1024 * 1024, "more than 1 MB"
    root = json.loads(line, object_pairs_hook=once)
    meta = root["_aws"]
    stamp = meta["Timestamp"]
    now = time.time() * 1000

    assert isinstance(stamp, int), "Timestamp is no integer"
    assert now - 14 * DAY <= stamp <= now + DAY / 12, "Timestamp"
    assert set(meta) == {"Timestamp", "CloudWatchMetrics"}, "metadata"
    assert meta["CloudWatchMetrics"], "no directive"

    for directive in meta["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert is_text(directive["Namespace"], 1024), "Namespace"
        assert directive["Dimensions"], "no set of dimensions"
        assert 1 <= len(directive["Metrics"]) <= 100, "Metrics"

        for names in directive["Dimensions"]:
            assert len(names) <= 30, "more than 30 dimensions"

            for name in names:
                assert is_text(name, 250), "name of a dimension"
                assert is_text(root[name], 1024), f"value of {name}"

            metrics(directive, root, data.setdefault(
                directive["Namespace"], {}).setdefault(
                ",".join(f"{name}={root[name]}" for name in names), {}))


def metrics(directive, root, series):
    for metric in directive["Metrics"]:
        assert set(metric) <= {"Name", "Unit", "StorageResolution"}
        assert is_text(metric["Name"], 1024), "name of a metric"
        assert metric.get("Unit", "None") in UNITS, "Unit"

        value = root[metric["Name"]]
        values = value if isinstance(value, list) else [value]

        assert 1 <= len(values) <= 100, "values"
        assert all(map(is_number, values)), f"{metric['Name']} is no number"

        series.setdefault(metric["Name"], [metric["Unit"], []])[1] += values


def main():
    data = {}

    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            read(line, data)

    print(json.dumps(data))


if __name__ == "__main__":
    main()
