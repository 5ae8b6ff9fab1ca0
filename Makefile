# A thin front to CMake: make, make demo, make test, make bench, make install PREFIX=...
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
OUT ?= out

all: $(BUILD)/CMakeCache.txt
	@cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/CMakeCache.txt: CMakeLists.txt
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release

demo: all
	@mkdir -p $(OUT)
	@$(BUILD)/celllab examples/sessions/quickstart.lua $(OUT)

test:
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DCLAB_TESTS=ON
	@cmake --build $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --output-on-failure -j $(JOBS)

bench: all
	@bench/run $(BUILD)/celllab

install: all
	@cmake --install $(BUILD) --prefix $(PREFIX)

# Address and undefined behaviour: hostile files (among the unit tests), failing allocations and file
# operations, formulas, and whole sessions; a few minutes on two cores.
asan:
	@cmake --preset asan && cmake --build --preset asan -j $(JOBS)
	@cd build-asan && ctest --output-on-failure -j $(JOBS) -L 'unit|golden|faults|session' -E example_memory_guide

clean:
	@rm -rf $(BUILD) $(OUT)

.PHONY: all demo test bench install asan clean
