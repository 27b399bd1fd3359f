"""Has the AWS CLI make the stack of same_intent.sh and take it down again.

Usage: cli.py URL CONTROL SPEED FOLDER. The CLI's waiters take their delays from botocore's models;
here they read them from FOLDER, shorter by as much as the clock is faster. Prints what there was
`before` and `after`.

Most of a run of the CLI is the time that Python needs to load it. So it is loaded once, and each
run is a fork of that: the scripts start `aws.sh` in the place of Python, which asks for one.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import traceback

from awscli.clidriver import create_clidriver
from stack import Account

HERE = pathlib.Path(__file__).parent
MAKE = HERE.joinpath("../../../../tests/aws/same_intent.sh")
REGION = "eu-west-1"
SERVICES = ("ec2", "eks", "iam", "kms", "logs")


def shorten(loader, folder, speed):
    """Writes the waiters of the services with shorter delays, where botocore looks first."""
    for service in ("ec2", "eks"):
        version = loader.determine_latest_version(service, "waiters-2")
        waiters = loader.load_service_model(service, "waiters-2", version)
        for waiter in waiters["waiters"].values():
            waiter["delay"] /= speed
        file = folder.joinpath(service, version, "waiters-2.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(waiters), encoding="utf-8")


def loaded(folder, url, speed):
    """Loads the CLI, with the waiters that are written to a folder."""
    paths = os.pathsep.join([str(folder), os.environ["AWS_DATA_PATH"]])
    os.environ |= {"AWS_DATA_PATH": paths, "AWS_ENDPOINT_URL": url, "HOME": str(folder)}
    os.environ["AWS_DEFAULT_REGION"] = REGION
    shorten(create_clidriver().session.get_component("data_loader"), folder, speed)
    driver = create_clidriver()
    loader = driver.session.get_component("data_loader")
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
    return driver


def run(driver, arguments, folder):
    """Runs the CLI in a fork, with its output in files, and returns its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        for stream, file in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        code = driver.main(arguments)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def play(driver, scripts, folder):
    """Runs scripts one after the other, and the CLI for them, until they end or one fails."""
    codes = []

    def every_script():
        for file in scripts:
            env = os.environ | {"PYTHON": str(HERE / "aws.sh"), "AWS_RUNS": str(folder)}
            codes.append(subprocess.run(["bash", file], env=env, stdout=sys.stderr).returncode)
            if codes[-1]:
                break
        folder.joinpath("ask").write_bytes(b"")

    for name in ("ask", "done"):
        os.mkfifo(folder / name)
    thread = threading.Thread(target=every_script)
    thread.start()
    while asked := folder.joinpath("ask").read_bytes():
        arguments = asked.decode().split("\0")[:-1]
        folder.joinpath("done").write_text(str(run(driver, arguments, folder)))
    thread.join()
    assert codes == [0] * len(scripts), codes


def main(url, control, speed, folder):
    account, folder = Account(url, control, float(speed), REGION), pathlib.Path(folder)
    driver = loaded(folder, url, float(speed))
    account.ec2.describe_vpcs()
    before = account.objects()
    play(driver, (MAKE, HERE / "remove.sh"), folder)
    print(json.dumps({"before": before, "after": account.objects()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
