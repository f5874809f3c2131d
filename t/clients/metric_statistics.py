# SPDX-License-Identifier: BSD-2-Clause
"""Read with boto3 all metrics of a namespace of CloudWatch.

    metric_statistics.py ENDPOINT NAMESPACE

    {DIMENSIONS, as Name=Value,...: {METRIC: [SampleCount, Sum, Minimum,
                                              Maximum, Unit]}}
"""

import datetime
import json
import sys

import boto3

NAMES = ["SampleCount", "Sum", "Minimum", "Maximum"]


def main():
    endpoint, namespace = sys.argv[1:]
    cloudwatch = boto3.client("cloudwatch", endpoint_url=endpoint)
    now = datetime.datetime.now(datetime.timezone.utc)
    result = {}

    for page in cloudwatch.get_paginator("list_metrics").paginate(
            Namespace=namespace):
        for metric in page["Metrics"]:
            pairs = metric["Dimensions"]
            points = cloudwatch.get_metric_statistics(
                Namespace=namespace, MetricName=metric["MetricName"],
                Dimensions=pairs, Period=86400, Statistics=NAMES,
                StartTime=now - datetime.timedelta(hours=12),
                EndTime=now + datetime.timedelta(hours=12))["Datapoints"]

            assert len(points) == 1, points
            labels = ",".join("%(Name)s=%(Value)s" % one for one in pairs)
            result.setdefault(labels, {})[metric["MetricName"]] = [
                points[0][name] for name in NAMES] + [points[0]["Unit"]]

    print(json.dumps(result))


if __name__ == "__main__":
    main()
