"""What lies in the work bucket after a run: nobody needs a host's request there, and least of all a task's token."""

from __future__ import annotations

from pca_automator.rehearsal.scenario.world import World

_NEVER = ("CERTIFICATE REQUEST", "taskToken")


def expect_lean_results(world: World) -> None:
    """The map's result files, of hosts that were renewed and of hosts that failed, are there and hold neither."""
    s3 = world.aws.client("s3")
    files: dict[str, str] = {}
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"], Prefix="results/"):
            for entry in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read()
                files[entry["Key"]] = body.decode()
    outcomes = {key.rpartition("/")[2].partition("_")[0] for key in files} - {"manifest.json"}
    world.report.expect("there are results of both kinds", ["FAILED", "SUCCEEDED"], sorted(outcomes))
    found = sorted(key for key, text in files.items() if any(word in text for word in _NEVER))
    world.report.expect("no result file has a request or a token", [], found)
