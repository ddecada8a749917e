"""The one step of the build that pyproject.toml cannot tell: gRPC's messages are made before the files are gathered."""

import runpy

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStubs(build_py):
    def run(self) -> None:
        runpy.run_path("web/grpc/stubs.py")["make"]()
        super().run()


setup(cmdclass={"build_py": BuildWithStubs})
