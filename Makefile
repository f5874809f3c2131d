# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Builds the module against Debian's nginx, from the headers of nginx-dev.
# For another nginx, give this directory to its own configure (see README).

SHELL = /bin/bash

NGINX_DEV = /usr/share/nginx/src
MODULES_PATH = /usr/lib/nginx/modules
MODULES_AVAILABLE = /usr/share/nginx/modules-available
MODULES_ENABLED = /etc/nginx/modules-enabled
LUA_PATH = /usr/share/lua/5.1

CFLAGS = -g -O2
HARDENING = -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat \
	-Werror=format-security

# V=1 shows the commands
V =

# seconds of fuzzing, all targets together
FUZZ_TIME = 60

TESTS = t/*.t

# options of bench/run.sh, bench/rotation.sh or bench/streams.sh
BENCH =

NAME = ngx_http_aws_sigv4_module
BUILD = $(CURDIR)/build
OBJS = $(BUILD)/objs
MODULE = $(BUILD)/$(NAME).so

CONFIGURE_DEPS = config build-aux/symbols.map $(NGINX_DEV)/conf_flags

.DELETE_ON_ERROR:

.PHONY: all help install test bench bench-rotation bench-streams lint asan \
	fuzz clean FORCE


all: $(MODULE) ## Build build/ngx_http_aws_sigv4_module.so

help: ## Print this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile \
	    | while IFS=$$'\t' read -r target text; do \
	        printf '  make %-15s %s\n' "$$target" "$$text"; \
	    done

install: $(MODULE) ## Install it, and a snippet that loads it, below DESTDIR
	install -d $(DESTDIR)$(MODULES_PATH) $(DESTDIR)$(MODULES_AVAILABLE) \
	    $(DESTDIR)$(MODULES_ENABLED)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULES_PATH)/
	echo 'load_module modules/$(NAME).so;' \
	    > $(DESTDIR)$(MODULES_AVAILABLE)/mod-http-aws-sigv4.conf
	ln -sf $(MODULES_AVAILABLE)/mod-http-aws-sigv4.conf \
	    $(DESTDIR)$(MODULES_ENABLED)/60-mod-http-aws-sigv4.conf
	cd lua && find resty -name '*.lua' -exec install -D -m 644 {} \
	    $(DESTDIR)$(LUA_PATH)/{} \;

test: $(MODULE) ## Run the tests, or those named by TESTS=t/...
	build-aux/prove.sh $(TESTS)

bench: $(MODULE) ## Measure against plain proxy_pass; BENCH=--quick is faster
	bench/run.sh $(BENCH)
	bench/resty.sh
	bench/streams.sh

bench-streams: $(MODULE) ## Measure 1,000 streams through the LLM gateway
	bench/streams.sh $(BENCH)

bench-rotation: $(MODULE) ## Replace credentials under load for 5 minutes
	bench/rotation.sh $(BENCH)

lint: ## Check C, Lua, Perl, Python and shell without running them
	build-aux/lint.sh

asan: ## Run the tests in nginx built with address and UB sanitizers
	build-aux/asan.sh $(TESTS)

fuzz: ## Fuzz for FUZZ_TIME seconds in all
	build-aux/fuzz.sh $(FUZZ_TIME)

clean: ## Remove what was built
	rm -rf $(BUILD)


# the list of sources is in config alone: nginx's make rules are written
# again when it changes, and decide what is to be compiled

$(OBJS)/Makefile: $(CONFIGURE_DEPS)
	@test -f $(NGINX_DEV)/conf_flags || { \
	    echo "nginx-dev is missing: apt-get install nginx-dev" >&2; \
	    exit 1; }
	@rm -rf $(OBJS) && mkdir -p $(OBJS)
	@. $(NGINX_DEV)/conf_flags && cd $(NGINX_DEV) \
	    && ./configure --builddir=$(OBJS) "$${NGX_CONF_FLAGS[@]}" \
	        --with-cc-opt='$(strip $(CFLAGS) $(HARDENING))' \
	        --with-ld-opt='-Wl,-z,relro -Wl,-z,now' \
	        --add-dynamic-module=$(CURDIR) > $(OBJS)/configure.log \
	    || { tail -n 20 $(OBJS)/configure.log >&2; rm -f $@; exit 1; }

$(MODULE): $(OBJS)/Makefile FORCE
	@$(MAKE) $(if $(V),,-s) --no-print-directory -f $(OBJS)/Makefile \
	    -C $(NGINX_DEV) modules
	@cmp -s $(OBJS)/$(NAME).so $@ || { cp $(OBJS)/$(NAME).so $@.new \
	    && mv -f $@.new $@; }
