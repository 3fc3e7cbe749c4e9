import react from '@vitejs/plugin-react';

// The viewer and its plugins use one React, one theme and one query client.
const shared = ['react', 'react-dom', '@tanstack/react-query', '@emotion/react', '@mui/material', 'echarts'];

export default {
  base: './',
  plugins: [react()],
  resolve: { dedupe: shared },
  define: { 'process.env': {}, global: 'window' },
  build: { minify: false, target: 'es2022', chunkSizeWarningLimit: 20000 },
};
