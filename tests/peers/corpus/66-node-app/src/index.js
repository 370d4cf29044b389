console.log(require('left')('@V@', 8));
