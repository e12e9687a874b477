import json
import subprocess
import sys

import pytest

RAISED = """
import json, resource, sys
soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from rushes.cli.descriptors import raise_open_files
told = raise_open_files()
print(json.dumps([told, *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


@pytest.mark.parametrize(("soft", "hard"), [(256, 900), (900, 900)])
def test_a_process_may_open_as_many_files_as_the_system_allows(soft: int, hard: int) -> None:
    words = [sys.executable, "-c", RAISED, str(soft), str(hard)]
    assert json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout) == [hard, hard, hard]
