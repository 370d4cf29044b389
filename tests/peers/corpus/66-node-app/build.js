const fs = require('fs');
fs.mkdirSync('dist');
fs.writeFileSync('dist/index.js', fs.readFileSync('src/index.js', 'utf8').replace('@V@', require('./package.json').version));
