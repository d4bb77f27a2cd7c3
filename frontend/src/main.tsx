import '@fontsource-variable/inter/wght.css';
import './shared/ui/tokens.css';
import './shared/ui/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { endSession } from './app/end.ts';
import { watchVersion } from './app/version.ts';
import { startSession } from './features/auth/session.ts';
import { showTheme } from './shared/ui/theme.ts';

showTheme();
watchVersion();
void startSession({ onEnd: () => void endSession() });

const place = document.getElementById('root');
if (place) createRoot(place).render(<App />);
