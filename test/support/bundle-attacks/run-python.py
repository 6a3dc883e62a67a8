"""Runs verify_bundle.py once for each line of standard input, as run-node.mjs does."""
import contextlib
import io
import json
import os
import runpy
import sys

script = os.path.join(os.path.dirname(__file__), "../../../docs/verifiers/verify_bundle.py")
for line in sys.stdin:
    sys.argv = [script] + json.loads(line)
    out, err, status = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as exit:
            status = exit.code
    print(json.dumps({"exit": status, "stdout": out.getvalue(), "stderr": err.getvalue()}), flush=True)
