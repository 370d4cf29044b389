# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of mybox for bash.  The program itself knows what can follow: mybox __complete.
_mybox()
{
	local line kind word before cur=${COMP_WORDS[COMP_CWORD]}
	local -a words

	# bash cuts words at ':' and '=' too; mybox wants them whole, and readline replaces only
	# what stands behind the last cut.
	read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')
	word=${words[-1]}
	before=$word
	[[ $cur == [:=] ]] || before=${word%"$cur"}
	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		case $line in
		:files | :dirs | :none) kind=$line ;;
		*) COMPREPLY+=("${line#"$before"}") ;;
		esac
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
	case $kind in
	:files) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
	:dirs) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames ;;
	esac
}
complete -F _mybox mybox
