"""Open the course in JupyterLab, on its welcome page.

All other arguments go to JupyterLab; `jupyter lab --help` explains them.
"""

import os

from course_lib.commands.environment import ROOT

WELCOME = "/lab/tree/notebooks/welcome.ipynb"
# JupyterLab would ask to look for news and updates on the net; the course works offline and pins its versions.
NO_NEWS = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
LOOPBACK = "--ServerApp.ip=127.0.0.1"


def add_arguments(parser):
    """Add the command's arguments to its argparse parser."""
    parser.add_argument("--no-browser", action="store_true", help="print the address, open no browser")
    parser.add_argument("--port", type=int, metavar="N", help="the port to listen on (8888, or the next free one)")
    parser.set_defaults(passed_on=[])


def jupyter_arguments(args):
    """Return the command line that JupyterLab is given."""
    arguments = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url={WELCOME}", *NO_NEWS]
    if args.no_browser:
        arguments.append("--no-browser")
    if args.port is not None:
        arguments.append(f"--port={args.port}")
    if is_root():
        arguments += [LOOPBACK, "--allow-root"]
    return arguments + args.passed_on


def is_root():
    """Tell whether this process runs as root, which JupyterLab refuses unless it is told otherwise."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def run(args):
    """Run JupyterLab until it is stopped; return the exit code."""
    from jupyterlab.labapp import LabApp

    if is_root():
        print("You are root, so JupyterLab listens to this machine only (127.0.0.1); --ip=ADDRESS changes that.")
    os.chdir(ROOT)  # nbgrader_config.py is read from here
    print("Starting JupyterLab with the course; press Ctrl-C in this window to stop it.", flush=True)
    LabApp.launch_instance(jupyter_arguments(args))
    return 0
