# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler and linker flags of the two profiles (house rules: contrib/cmake/README.md).
set(MB_PROFILE dev CACHE STRING "dev (sanitizers, -Werror) or release (static, hardened)")
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

set(MB_WARNINGS
	-Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wundef -Wvla -Walloca -Wcast-qual -Wwrite-strings -Wpointer-arith
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Wconversion -Wno-sign-conversion
	-fno-common -Wno-missing-field-initializers)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
	list(APPEND MB_WARNINGS -Wformat-signedness -Wlogical-op -Wduplicated-cond
		-Wduplicated-branches -Wjump-misses-init)
endif()
set(MB_HARDENING
	-fstack-protector-strong -fstack-clash-protection -fcf-protection
	-ftrivial-auto-var-init=zero)

add_compile_options(${MB_WARNINGS})
if(MB_PROFILE STREQUAL dev)
	set(MB_SANITIZE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
	add_compile_options(-Werror -g -Og -fno-omit-frame-pointer ${MB_SANITIZE})
	add_link_options(${MB_SANITIZE})
	# Starting a process with the sanitizers' shared libraries takes twice as long, and the
	# tests start some thousands.
	if(CMAKE_C_COMPILER_ID STREQUAL GNU)
		add_link_options(-static-libasan -static-libubsan)
	endif()
	set(MB_STATIC OFF)
else()
	set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG -D_FORTIFY_SOURCE=3")
	add_compile_options(${MB_HARDENING} -ffunction-sections -fdata-sections)
	add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections)
	set(MB_STATIC ON)
endif()
