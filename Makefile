# make demo, make test: each sets up all that it needs, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TRAIN := .venv-train
TRAIN_READY := $(TRAIN)/.ready
FLEET := .venv-fleet
FLEET_READY := $(FLEET)/.ready
BENCH := .venv-bench
BENCH_READY := $(BENCH)/.ready
RELEASE := .venv-release
RELEASE_READY := $(RELEASE)/.ready
# What builds wheelhouses and their bills of materials; a fleet's controller has it, too.
BUILDS := 'uv>=0.8,<1' 'packaging>=24,<27'

.PHONY: demo test acceptance acceptance-fleet fleet lint faults bench soak strangers memory training train zoo picture screenshots clean

demo: $(READY)  ## a face in a clip becomes an event on a broker
	$(BIN)/facenode demo

test: $(READY)  ## all tests that this machine can run; what is left out is said with its reason
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile

faults: $(READY)  ## 20 seeded runs of random faults between node and broker, 160 kills of each change of people; minutes
	FACENODE_FAULT_SEEDS=20 $(BIN)/python -m pytest -s tests/integration/test_faults_random.py
	FACENODE_KILLS=160 $(BIN)/python -m pytest -s --timeout=900 tests/integration/test_people_killed.py

acceptance: $(READY) $(FLEET_READY)  ## wheel, Docker, Home Assistant, picamera2, the page in Chromium, hostile brokers; needs root, makes roots in .cache
	$(BIN)/python -m pytest --ignore=tests/acceptance/fleet tests/acceptance

BROKER_KIND ?= mosquitto
acceptance-fleet: $(READY) $(FLEET_READY)  ## a fleet of booted Debian hosts, from bare to retired, also with BROKER_KIND=nats; needs root, and minutes
	FACENODE_BROKER_KIND=$(BROKER_KIND) $(BIN)/python -m pytest -v tests/acceptance/fleet

fleet: $(FLEET_READY)  ## what a controller of a fleet needs: Ansible, the program, and what builds releases

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: fuzz
FUZZ := pictures clips frames networks people payloads packets settings storage
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 0
fuzz: $(READY)  ## damaged and forged inputs of each kind for FUZZ_SECONDS; one that violates an invariant is kept
	@for target in $(FUZZ); do $(BIN)/python -m tests.fuzz.$$target --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) || exit 1; done

bench: $(BENCH_READY) $(READY)  ## this machine's figures beside their targets, on one thread; NETWORK=FILE is another network
	$(BENCH)/bin/facenode bench --set model.threads=1 $(if $(NETWORK),--set model.path=$(NETWORK))
	PYTHONPATH=. $(BENCH)/bin/python tests/benchmarks/parent_comparison.py
	PYTHONPATH=. $(BENCH)/bin/python tests/benchmarks/threads.py
	$(BENCH)/bin/python tests/benchmarks/library_comparison.py $(if $(NETWORK),--model $(NETWORK))
	PYTHONPATH=tests/unit:tests/integration $(BENCH)/bin/python tests/benchmarks/node_performance.py $(if $(NETWORK),--model $(NETWORK))
	PYTHONPATH=tests/unit:tests/integration $(BIN)/python tests/benchmarks/node_performance.py --model models/zoo/mobilenet_v2.int8.tflite
	$(BENCH)/bin/python tests/benchmarks/zoo_speed.py
	PYTHONPATH=. $(BENCH)/bin/python tests/benchmarks/look_cost.py $(if $(NETWORK),--model $(NETWORK))

soak: $(READY)  ## a node for an hour: whether it grows, and whether an event is lost; needs mosquitto
	PYTHONPATH=.:tests/benchmarks:tests/acceptance:tests/integration:tests/unit \
		$(BIN)/python tests/benchmarks/soak.py --minutes 60

strangers: face-data $(READY)  ## strangers who pass in front of a running node, by visit; needs mosquitto and the face data
	PYTHONPATH=.:tests/unit:tests/integration $(BIN)/python tests/benchmarks/strangers_by_visit.py
	PYTHONPATH=. $(BIN)/python tests/benchmarks/photos_needed.py

memory: $(READY)  ## what a node takes, step by step, and with a full inbox
	$(BIN)/python tests/benchmarks/memory_by_step.py
	PYTHONPATH=. $(BIN)/python tests/benchmarks/inbox_memory.py

training: $(TRAIN_READY)  ## what the commands of models/ need, in .venv-train: TensorFlow, PyTorch

# Before gigabytes are fetched: without the pictures they are of no use.
.PHONY: face-data
face-data:
	@test -d "$${FACENODE_DATA:-../shared/data}" || { \
		echo "no face data in $${FACENODE_DATA:-../shared/data}: set FACENODE_DATA (models/README.md, The face data)" >&2; exit 1; }

train: face-data $(TRAIN_READY)  ## a trial of training on few pictures, from start to figures, in build/smoke; needs the face data
	$(TRAIN)/bin/python -m models.train models/configs/smoke.toml
	$(TRAIN)/bin/python -m models.export models/configs/smoke.toml --zoo build/smoke
	$(TRAIN)/bin/python -m models.cohort build/smoke/smoke.float32.json build/smoke/smoke.int8.json
	$(TRAIN)/bin/python -m models.evaluate build/smoke/smoke.float32.json build/smoke/smoke.int8.json

zoo: face-data $(TRAIN_READY)  ## the default network anew: files, sidecars, card and plots; needs the face data
	$(TRAIN)/bin/python -m models.train models/configs/mobilefacenet.toml
	$(TRAIN)/bin/python -m models.export models/configs/mobilefacenet.toml
	$(TRAIN)/bin/python -m models.cohort models/zoo/mobilefacenet.float32.json models/zoo/mobilefacenet.int8.json
	$(TRAIN)/bin/python -m models.evaluate --all --write --card models/README.md --plots models/figures

.PHONY: release audit
# For which machines there are images: `engine` is that of the Docker Engine; or amd64, arm64; `IMAGES=` makes none.
IMAGES ?= engine
# `PACKAGES=` makes no Debian packages, which take debhelper.
PACKAGES ?= all
DOCKER_BUILD ?=
release: $(RELEASE_READY)  ## dist/ from the last commit: wheel, wheelhouses, bills of materials, packages, images, checksums
	$(RELEASE)/bin/python ansible/tools/products.py --folder dist $(addprefix --image=,$(IMAGES)) \
		$(if $(PACKAGES),--packages) --build-flags='$(DOCKER_BUILD)'

audit: $(READY) $(RELEASE_READY)  ## secrets in any commit, and advisories for what dist/ holds, which takes a network
	$(BIN)/python -m tests.docs.history
	@mkdir -p build
	$(RELEASE)/bin/python -m pip install --quiet 'pip-audit>=2.9,<3'
	@for wheels in dist/*-wheels-*.tar; do echo "$$wheels"; tar -xOf $$wheels lock.txt >build/lock.txt && \
		$(RELEASE)/bin/pip-audit --strict --disable-pip --require-hashes --requirement build/lock.txt || exit 1; done

.PHONY: docs
docs: $(READY)  ## the pages that are generated: settings, topics, commands, local socket, and those of the Debian package
	$(BIN)/python -m docs.generate

picture: $(READY)  ## docs/picture.png, from real output
	$(BIN)/python docs/picture.py

screenshots: $(READY)  ## the pictures of docs/home-assistant, from a real Home Assistant; needs root and chromium
	PYTHONPATH=.:tests/acceptance:tests/integration:tests/unit $(BIN)/python -m docs.screenshots

.PHONY: page-pictures
page-pictures: $(READY)  ## the pictures of docs/page.md, from a running node and its page; needs mosquitto and chromium
	PYTHONPATH=.:tests/acceptance:tests/integration:tests/unit $(BIN)/python -m docs.page_pictures

clean:
	rm -rf $(VENV) $(TRAIN) $(FLEET) $(BENCH) $(RELEASE) build dist

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[demo,dev]'
	touch $@

# Training has an environment of its own: TensorFlow wants numpy 2, a node on Python 3.11 numpy 1.
$(TRAIN_READY): pyproject.toml
	$(PYTHON) -m venv $(TRAIN)
	$(TRAIN)/bin/python -m pip install --quiet paho-mqtt pydantic-settings 'ai-edge-litert>=2.1,<3' \
		'opencv-python-headless>=4.12,<5' 'keras>=3.8,<4' 'tensorflow-cpu>=2.19,<3' 'torch==2.13.0' 'matplotlib>=3.9,<4' 'onnx>=1.16,<2' \
		'pytest>=8.2,<10' 'pytest-timeout>=2.3,<3' 'hypothesis>=6.100,<7' 'jsonschema>=4.21,<5'
	touch $@

# The program, and what it is set beside; a machine for which there is no dlib goes without it.
# `face_recognition` asks for dlib's source, which takes a compiler and minutes: `dlib-bin` is the same, built.
$(BENCH_READY): pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --editable '.[dev]'
	-$(BENCH)/bin/python -m pip install --quiet dlib-bin face-recognition-models 'setuptools<81' pillow click && \
		$(BENCH)/bin/python -m pip install --quiet --no-deps face_recognition
	touch $@

# Ansible is the controller's: no node has it.
$(FLEET_READY): pyproject.toml
	$(PYTHON) -m venv $(FLEET)
	$(FLEET)/bin/python -m pip install --quiet --editable . 'ansible>=12.3,<13' 'ansible-lint>=25' 'bcrypt>=4,<6' $(BUILDS)
	touch $@

$(RELEASE_READY): pyproject.toml
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet $(BUILDS)
	touch $@
