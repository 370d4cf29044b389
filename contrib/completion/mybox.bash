# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of mybox for bash.  The program itself knows what can follow: mybox __complete.
_mybox()
{
	local line kind cur=${COMP_WORDS[COMP_CWORD]}
	local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}")

	# bash cuts words at '=': put "--name = value" together again.
	if ((COMP_CWORD >= 2)) && [[ $cur == '=' || ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
		local at=$((COMP_CWORD - 1)) flag
		[[ $cur == '=' ]] && flag=${COMP_WORDS[at]}= cur='' ||
			{ at=$((at - 1)); flag=${COMP_WORDS[at]}=$cur; }
		words=("${COMP_WORDS[@]:1:at-1}" "$flag")
	fi
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:*) kind=$line ;;
		--*=*) line=${line%%$'\t'*}; COMPREPLY+=("${line#*=}") ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
	case $kind in
	:files) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
	:dirs) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames ;;
	esac
}
complete -F _mybox mybox
