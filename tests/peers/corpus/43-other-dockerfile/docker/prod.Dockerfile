FROM deb
COPY . /ctx/
