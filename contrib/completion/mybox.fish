# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of mybox for fish.  The program itself knows what can follow: mybox __complete.
function __mybox_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l kind
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':*'
                set kind $line
            case '*'
                echo $line
        end
    end
    switch $kind
        case ':files'
            __fish_complete_path (commandline -ct)
        case ':dirs'
            __fish_complete_directories (commandline -ct)
    end
end
complete -c mybox -f -a '(__mybox_complete)'
