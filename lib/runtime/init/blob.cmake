# SPDX-License-Identifier: GPL-2.0-or-later
# cmake -DIN=file -DOUT=file.c -DNAME=symbol -P blob.cmake: the bytes of a file as C.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex "${hex}")
file(WRITE ${OUT} "#include \"runtime/init/blob.h\"\n"
	"const unsigned char ${NAME}[] = {\n${hex}\n};\n"
	"const size_t ${NAME}_size = sizeof(${NAME});\n")
