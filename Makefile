# make            release build: build/release/saccade
# make debug      ASan + UBSan build: build/debug/saccade and build/debug/unit
# make unit       builds and runs the unit tests (ONLY=words runs some)
# make lint       every file through clang, for its warnings only
# A new .c file under src/ needs no line here. Libraries that set-up fetched lie under $(DEPS).
MODE  ?= release
DEPS  ?= $(if $(SACCADE_DEPS),$(SACCADE_DEPS),$(HOME)/.cache/saccade)
CC    ?= gcc
OUT   := build/$(MODE)$(if $(filter clang%,$(notdir $(CC))),-clang)
PKGS  := libmicrohttpd sqlite3 jansson libjpeg spng libwebp libwebpdemux libtiff-4 libcurl libargon2 libcrypto libzip expat yaml-0.1 libutf8proc libseccomp libprotobuf-c zlib

SRC   := $(sort $(shell find src -name '*.c'))
TESTS := $(filter %_test.c src/base/test.c,$(SRC))
CODE  := $(filter-out $(TESTS),$(SRC))
UI    := $(OUT)/ui.o
ONNX  := $(OUT)/gen/onnx.pb-c

# (gcc's maybe-uninitialized cannot see that an out is set whenever TRY goes on.)
WARN  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings \
         -Wimplicit-fallthrough -Wno-missing-field-initializers -Wno-maybe-uninitialized -Werror
CLANG_WARN := -Wno-unknown-warning-option -Wno-unknown-pragmas -Wno-gnu-statement-expression -Wno-gnu-auto-type -Wno-gnu-zero-variadic-macro-arguments -Wno-missing-field-initializers
ifneq ($(filter clang%,$(notdir $(CC))),)
WARN  += $(CLANG_WARN)
endif
FLAGS := -std=gnu17 -pthread -g -MMD -MP -Isrc -I$(OUT)/gen -isystem $(DEPS)/onednn/include -isystem $(DEPS)/onnxruntime/include/onnxruntime \
         $(shell pkg-config --cflags $(PKGS)) -D_GNU_SOURCE
release_FLAGS := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fstack-clash-protection
release_LINK  := -pie -Wl,-z,relro,-z,now,-z,noexecstack
debug_FLAGS   := -O1 -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined -DNOTE_STATEMENTS
debug_LINK    := -fsanitize=address,undefined
fuzz_FLAGS    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
fuzz_LINK     := -fsanitize=address,undefined
LIBS  := $(shell pkg-config --libs $(PKGS)) -lgif -lm -ldl
# The arithmetic of the network is compiled for speed in every build; -fno-math-errno lets the compiler use vector forms.
FAST  := -O3 -march=x86-64-v3 -fno-math-errno -fno-trapping-math

OBJ      := $(CODE:%.c=$(OUT)/%.o) $(ONNX).o $(UI)
TEST_OBJ := $(TESTS:%.c=$(OUT)/%.o)

all: $(OUT)/saccade
debug:
	@$(MAKE) --no-print-directory MODE=debug build/debug/saccade build/debug/unit
unit: debug
	build/debug/unit $(ONLY)

$(OUT)/saccade: $(OBJ)
	@echo "  link  $@"
	@$(CC) $($(MODE)_LINK) -pthread -o $@ $^ $(LIBS)
$(OUT)/unit: $(filter-out $(OUT)/src/main.o,$(OBJ)) $(TEST_OBJ)
	@echo "  link  $@"
	@$(CC) $($(MODE)_LINK) -pthread -o $@ $^ $(LIBS) -lcmocka

$(OUT)/src/nn/%.o: EXTRA := $(FAST)
$(OUT)/src/infer/ort.o build/lint/src/infer/ort.ok: EXTRA := -DONNXRUNTIME_DIR='"$(DEPS)/onnxruntime/lib"'
$(OUT)/src/learn/%.o: EXTRA := $(FAST)
$(OUT)/src/img/resize.o: EXTRA := -O3
$(OUT)/src/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(FLAGS) $($(MODE)_FLAGS) $(WARN) $(EXTRA) -c -o $@ $<
$(CODE:%.c=$(OUT)/%.o): | $(ONNX).h
$(TEST_OBJ): | $(ONNX).h

# The published ONNX schema, from the system's package.
$(ONNX).c $(ONNX).h: /usr/include/onnx/onnx.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=/usr/include/onnx --c_out=$(@D) $<
$(ONNX).o: $(ONNX).c
	@echo "  cc    $<"
	@$(CC) $(FLAGS) -O2 -w -c -o $@ $<

# The built pages, gzipped, as one object; tools/embed writes a placeholder page that says so when ui/dist is not built.
$(OUT)/gen/ui.S: tools/embed $(wildcard ui/dist/index.html)
	@mkdir -p $(@D)
	tools/embed ui/dist $@
$(UI): $(OUT)/gen/ui.S
	$(CC) -c -o $@ $<

# tests/fuzz/run: one program for each target, with libFuzzer (MODE=fuzz CC=clang) or with our driver, which replays.
FUZZ_OBJ := $(filter-out $(OUT)/src/main.o,$(OBJ)) $(OUT)/src/img/samples_test.o $(OUT)/src/infer/tiny_test.o
fuzz: $(patsubst tests/fuzz/target/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/target/*.c)) $(OUT)/fuzz/seeds
$(OUT)/fuzz/seeds: tests/fuzz/seeds.c $(FUZZ_OBJ)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(filter-out -MMD -MP,$(FLAGS)) $($(MODE)_FLAGS) $($(MODE)_LINK) $(WARN) -o $@ $^ $(LIBS) -lcmocka
$(OUT)/fuzz/%: tests/fuzz/target/%.c $(if $(filter debug,$(MODE)),tests/fuzz/driver.c) $(FUZZ_OBJ)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(filter-out -MMD -MP,$(FLAGS)) $($(MODE)_FLAGS) $($(MODE)_LINK) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) $(WARN) -o $@ $^ $(LIBS) -lcmocka

# Programs of bench/, made by the benchmark that runs them; all of them: so that none is forgotten.
bench: $(patsubst bench/%.c,$(OUT)/bench/%,$(wildcard bench/*.c))
$(OUT)/bench/%: bench/%.c $(wildcard bench/*.h) $(filter-out $(OUT)/src/main.o,$(OBJ))
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(filter-out -MMD -MP,$(FLAGS)) $($(MODE)_FLAGS) $($(MODE)_LINK) $(WARN) -o $@ $(filter-out %.h,$^) $(LIBS)

# Every file once through the other compiler, for its warnings only.
lint:
	@$(MAKE) --no-print-directory MODE=lint $(SRC:%.c=build/lint/%.ok)
build/lint/%.ok: %.c | $(ONNX).h
	@mkdir -p $(@D)
	@clang $(filter-out -MMD -MP,$(FLAGS)) $(WARN) $(CLANG_WARN) $(EXTRA) -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

# How a file is compiled, for tests/sql.
flags: | $(ONNX).h
	@echo $(FLAGS) $($(MODE)_FLAGS)
clean:
	rm -rf build
.PHONY: all bench debug unit fuzz lint flags clean
-include $(SRC:%.c=build/lint/%.d) $(OBJ:.o=.d) $(TEST_OBJ:.o=.d)
