# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that the command carries in itself.
#
# mb_carry(LIBRARY SYMBOL ELF TARGET): a library with the bytes of ELF, which TARGET builds, as
# SYMBOL, and how many there are as SYMBOL_size, a 64-bit number.
enable_language(ASM)

function(mb_carry library symbol elf target)
	set(blob ${CMAKE_CURRENT_BINARY_DIR}/blob.S)
	file(CONFIGURE OUTPUT ${blob} @ONLY CONTENT "\
	.section .rodata
	.global @symbol@, @symbol@_size
	.type @symbol@, %object
	.type @symbol@_size, %object
	.balign 16
@symbol@:
	.incbin \"@elf@\"
0:
	.size @symbol@, 0b - @symbol@
	.balign 8
@symbol@_size:
	.quad 0b - @symbol@
	.size @symbol@_size, 8
	.section .note.GNU-stack, \"\", %progbits
")
	add_library(${library} STATIC ${blob})
	set_source_files_properties(${blob} PROPERTIES OBJECT_DEPENDS ${elf})
	add_dependencies(${library} ${target})
endfunction()

# mb_carried_program(NAME): main.c and library.c of a folder, linked with the C library alone and
# always dynamically, as it loads a library of the system's when it runs.
function(mb_carried_program name)
	add_executable(${name} main.c library.c)
	target_link_libraries(${name} PRIVATE mb_core ${CMAKE_DL_LIBS})
	target_link_options(${name} PRIVATE -pie -s)
endfunction()
